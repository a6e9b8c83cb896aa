web:
  port: 80808
  domain: lab
