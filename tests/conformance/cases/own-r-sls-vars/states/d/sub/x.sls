{{ sls }}|{{ slspath }}|{{ tpldir }}|{{ tplfile }}|{{ sls_path }}|{{ slsdotpath }}|{{ slscolonpath }}|{{ tpldot }}: test.nop
