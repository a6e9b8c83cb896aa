k: {{ who }}
