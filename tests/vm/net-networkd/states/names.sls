name servers:
  dns.config:
    - nameservers: [192.0.2.53, 192.0.2.1]
    - search: [lab.example]
