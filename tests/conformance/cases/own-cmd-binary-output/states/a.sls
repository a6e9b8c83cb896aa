a:
  cmd.run:
    - name: printf '\377\376x'
b:
  cmd.run:
    - name: head -c 300000 /dev/zero | tr '\0' x
c:
  cmd.run:
    - name: printf '\303\244'
