"""placeholder"""
import cv2
import numpy as np
from world.sign_names import SIGN_NAMES
def face_texture(face, size):
    n=256; im=np.zeros((n,n,4),np.uint8)
    cv2.circle(im,(128,128),120,(200,20,30,255),-1); cv2.circle(im,(128,128),90,(240,240,240,255),-1)
    cv2.putText(im,str(face),(70,160),0,2.5,(20,20,20,255),8)
    return cv2.resize(im,(size,size),interpolation=cv2.INTER_AREA)
