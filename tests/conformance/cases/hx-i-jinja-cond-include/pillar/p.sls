roles: [db, web]
