"""The processes of Takt: each module is one of them or looks after them; stages meet here."""
