"""What operators' pages are told over their sockets, and who may hold one."""
