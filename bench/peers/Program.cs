using Konstruct.Contracts.Dispatch;
using Konstruct.Peers;
using StackExchange.Redis;

// What the gateway is measured against: `floor` or `signalr`. Neither has a log, a store, telemetry, or any protection: not for use.
var peer = args.FirstOrDefault();
if (peer is not ("floor" or "signalr"))
{
    Console.Error.WriteLine("Which peer: floor or signalr?");
    return 2;
}

var builder = WebApplication.CreateSlimBuilder(args[1..]);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
var redis = builder.Configuration.GetConnectionString("redis") ?? throw new InvalidOperationException("ConnectionStrings:redis is not set.");
builder.Services.AddSingleton<IConnectionMultiplexer>(await ConnectionMultiplexer.ConnectAsync(redis));
builder.Services.AddSingleton<DispatchQueue>();
if (peer == "signalr")
{
    // The generator's sockets send no pings; the default would cut them after 30 s.
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
