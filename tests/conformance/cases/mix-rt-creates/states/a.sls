
a:
  cmd.run:
    - name: echo x >> @ROOT@/n; test -f @ROOT@/two && touch @ROOT@/done; touch @ROOT@/two; false
    - creates: @ROOT@/done
    - retry: {attempts: 4, interval: 0}
