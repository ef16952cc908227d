"""Eyes: SensorFrame -> Percept -> Scene. Networks, classical vision, tracking, localisation."""
