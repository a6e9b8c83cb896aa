step:
  salt.runner:
    - name: cloud.profile
