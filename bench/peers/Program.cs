using Konstruct.Contracts.Dispatch;
using Konstruct.Peers;
using StackExchange.Redis;

// Peers that the gateway is compared with: `floor`, `stored` or `signalr`. None has a log, telemetry
// or any protection, and only `stored` has a store. Not for production.
var peer = args.FirstOrDefault();
if (peer is not ("floor" or "stored" or "signalr"))
{
    Console.Error.WriteLine("Which peer: floor, stored or signalr?");
    return 2;
}

var builder = WebApplication.CreateSlimBuilder(args[1..]);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
string Connection(string name) =>
    builder.Configuration.GetConnectionString(name) ?? throw new InvalidOperationException($"ConnectionStrings:{name} is not set.");
var redis = Connection("redis");
builder.Services.AddSingleton<IConnectionMultiplexer>(await ConnectionMultiplexer.ConnectAsync(redis));
builder.Services.AddSingleton<DispatchQueue>();
if (peer == "stored")
{
    builder.Services.AddSingleton(await Store.OpenAsync(Connection("bench")));
}

if (peer == "signalr")
{
    // The generator's sockets send no pings; the default would close them after 30 s.
    builder.Services.AddSignalR(hub => hub.ClientTimeoutInterval = TimeSpan.FromMinutes(15)).AddStackExchangeRedis(redis);
}

var app = builder.Build();
app.MapGet("/alive", () => "Healthy");
if (peer == "signalr")
{
    app.MapHub<ChatHub>("/chat/hub");
}
else
{
    app.UseWebSockets();
    app.MapGet("/chat/ws/{conversation:guid}", Floor.ServeAsync);
}

await app.RunAsync();
return 0;
