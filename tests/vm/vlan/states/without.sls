include: [kept]
vlan11:
  vlan.absent: []
