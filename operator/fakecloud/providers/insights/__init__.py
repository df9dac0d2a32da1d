"""Microsoft.Insights: diagnostic settings and the activity log."""
