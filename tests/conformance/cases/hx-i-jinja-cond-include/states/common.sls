{{ sls }}-{{ slspath }}-{{ tpldir }}: {test: [nop]}
