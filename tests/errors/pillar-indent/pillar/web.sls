web:
  port: 80
   host: x
