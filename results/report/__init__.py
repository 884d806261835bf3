"""Pictures and plots of results: what was asked, what was answered and what is true, drawn from plain arrays."""
