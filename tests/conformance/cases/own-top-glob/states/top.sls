base:
  '*':
    - a
  'lab-*':
    - b
  'web*':
    - c
  'lab-minio[n]':
    - d
