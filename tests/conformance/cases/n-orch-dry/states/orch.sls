one:
  salt.state:
    - tgt: '*'
    - sls: s
two:
  salt.function:
    - tgt: '*'
    - name: test.ping
three:
  salt.runner:
    - name: jobs.list_jobs
four:
  salt.wheel:
    - name: key.list_all
five:
  salt.parallel_runners:
    - runners:
        a:
          - name: test.arg
six:
  salt.state:
    - tgt: '*'
    - sls: q
    - require:
      - salt: one
