"""What is known of bots and rooms: facts merge, documents are derived, both pure."""
