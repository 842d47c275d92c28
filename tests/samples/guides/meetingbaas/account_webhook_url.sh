curl -X POST https://api.meetingbaas.com/accounts/webhook_url \
  -H "Authorization: Bearer YOUR_API_KEY" \
  -d '{"webhook_url": "https://yourdomain.com/api/meeting-bot/webhook"}'
