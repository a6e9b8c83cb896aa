web:
  file.exists:
    - name: /etc/passwd
    - makedirz: True
