DROP TABLE audit_log, team_remains, team_instance_assignments, team_invitations, team_members;
