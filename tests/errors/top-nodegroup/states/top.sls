base:
  webservers:
    - match: nodegroup
    - web
