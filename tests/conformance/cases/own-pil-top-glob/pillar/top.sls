base:
  'lab-*':
    - one
  'web*':
    - two
  'lab-minio?':
    - three
  'lab-[a-m]*':
    - four
