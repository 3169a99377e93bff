SET GLOBAL innodb_buffer_pool_size = {{ settings.innodb_buffer_pool_size|replace("M", "")|int * 1048576 }};
SET GLOBAL max_connections = {{ settings.max_connections|int + 10 }};
SET GLOBAL max_allowed_packet = {{ settings.max_allowed_packet|replace("M", "")|int * 1048576 }};
{% if settings.sql_mode == "strict" %}
SET GLOBAL sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION';
{% else %}
SET GLOBAL sql_mode = 'NO_ENGINE_SUBSTITUTION';
{% endif %}
