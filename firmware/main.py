from warden import app

app.main()
