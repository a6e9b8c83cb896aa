p: pv
