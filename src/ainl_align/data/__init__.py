"""The data room: stages 1 to 3, from generated tasks to chat rows."""
