step:
  salt.state:
    - tgt: '*'
    - sls: [web]
    - unless: 'true'
