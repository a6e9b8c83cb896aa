web:
  port: http
  domain: lab
