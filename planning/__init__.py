"""Scene -> Plan -> Control: route, behaviour, prediction, proposals, scoring, controllers."""
