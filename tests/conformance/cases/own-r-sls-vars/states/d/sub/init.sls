include: [.x, d.y]
{{ sls }}|{{ slspath }}|{{ tpldir }}|{{ tplfile }}|{{ sls_path }}|{{ slsdotpath }}|{{ slscolonpath }}|{{ tpldot }}|{{ saltenv }}|{{ env | default('noenv') }}: test.nop
