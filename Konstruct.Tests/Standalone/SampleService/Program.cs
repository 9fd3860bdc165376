using System.Diagnostics;
using System.Net.Sockets;

var app = WebApplication.CreateBuilder(args).Build();
var unhealthyFor = args is ["--unhealthy-for", var seconds] ? TimeSpan.FromSeconds(int.Parse(seconds, null)) : TimeSpan.Zero;
var started = Stopwatch.StartNew();

app.MapGet("/health", () => started.Elapsed < unhealthyFor ? Results.StatusCode(503) : Results.Text("Healthy"));
app.MapGet("/process", () => Environment.ProcessId);
app.MapGet("/arguments", () => args);
app.MapGet("/folder", () => app.Environment.ContentRootPath);
app.MapGet("/environment/{name}", (string name) => Environment.GetEnvironmentVariable(name) ?? "");
app.MapPost("/die", () => Process.GetCurrentProcess().Kill());
app.Lifetime.ApplicationStopping.Register(() => app.Logger.LogInformation("at the end the store answers: {Answer}", StoreAnswers()));
if (args.Contains("--stuck"))
    app.Lifetime.ApplicationStopping.Register(() => Thread.Sleep(Timeout.Infinite));

app.Logger.LogInformation("the sample runs in {Folder}", app.Environment.ContentRootPath);
app.Run();

static bool StoreAnswers()
{
    var store = (Environment.GetEnvironmentVariable("ConnectionStrings__redis") ?? "").Split(',')[0].Split(':');
    if (store is not [var host, var port])
        return false;
    using var client = new TcpClient();
    client.Connect(host, int.Parse(port, null));
    return client.Connected;
}
