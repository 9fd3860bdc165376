using System.Net.Http.Headers;
using Konstruct.Tests.Auth;
using Konstruct.Tests.Edge;
using Konstruct.Tests.Harness;
using Npgsql;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.Telemetry;

/// <summary>Passwords, keys, tokens and what people say: none of it is in a log, however much is logged and whatever goes wrong.</summary>
[Collection<Sharing<GuardedPipeline>>]
public sealed class SecretTests(GuardedPipeline fixture) : PipelineTests(fixture)
{
    private const string Said = "what-nobody-else-should-read";

    [Fact]
    public async Task No_secret_and_no_word_of_a_user_is_logged_at_any_level()
    {
        var everything = new Dictionary<string, string> { ["Logging__LogLevel__Default"] = "Trace", ["Logging__LogLevel__Konstruct"] = "Trace" };
        var wrongPassword = new NpgsqlConnectionStringBuilder(Pipeline.Database.ServingConnectionString)
        {
            Password = "a-wrong-password",
        }.ConnectionString;
        var gateway = await Pipeline.StartGatewayAsync(everything);
        var worker = await Pipeline.StartWorkerAsync(everything);
        var unable = await ServiceProcess.StartAsync(
            "Konstruct.Gateway",
            [],
            new Dictionary<string, string>(everything)
            {
                ["ConnectionStrings__redis"] = Pipeline.Redis.ConnectionString,
                ["ConnectionStrings__konstruct"] = wrongPassword,
                ["Auth__Jwt__SigningKey"] = Tokens.Key,
            }
        );
        await using var _ = unable;

        var (person, conversation) = (Person.New(), Guid.NewGuid());
        var (good, bad) = (Tokens.For(person), Tokens.For(person, TimeSpan.FromHours(-1)));
        await using var chat = await RawChat.ConnectAsync(gateway, $"{conversation}");
        await chat.SendAsync(Tokens.Frame(good));
        await chat.SayAsync($"/fail 2 {Said}");
        await chat.ReceiveTurnAsync();
        await chat.SendAsync($"{{\"type\":\"message\",\"text\":\"{Said}\"");
        await chat.ExpectErrorAsync();
        await using var refused = await RawChat.ConnectAsync(gateway, $"{conversation}");
        await refused.SendAsync(Tokens.Frame(bad));
        await refused.ExpectErrorAsync();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", bad);
        await http.GetAsync(new Uri($"http://127.0.0.1:{gateway.Port}/chat/conversations?cursor={Said}"), TestContext.Current.CancellationToken);
        await Until.TrueAsync(() => Task.FromResult(unable.Log.Contains("Not ready yet", StringComparison.Ordinal)));

        var logs = string.Join('\n', gateway.Log, worker.Log, unable.Log, Pipeline.Log);
        string[] secrets =
        [
            ConfigurationOptions.Parse(Pipeline.Redis.ConnectionString).Password!,
            new NpgsqlConnectionStringBuilder(Pipeline.Database.ServingConnectionString).Password!,
            "a-wrong-password",
            Tokens.Key,
            good,
            bad,
            good.Split('.')[2],
            bad.Split('.')[2],
            Said,
        ];
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, logs, StringComparison.Ordinal));
        Assert.Contains("A token was refused", logs, StringComparison.Ordinal); // It was logged, and without the token.
    }

    [Fact]
    public async Task Compression_is_not_offered_and_the_server_does_not_name_itself()
    {
        await using var socket = await RawSocket.ConnectAsync(Gateway.Port);
        await socket.UpgradeAsync($"{Guid.NewGuid()}", isV2: true, extraHeaders: "Sec-WebSocket-Extensions: permessage-deflate\r\n");

        Assert.Equal(101, socket.Status);
        Assert.DoesNotContain("Sec-WebSocket-Extensions", socket.Head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Server:", socket.Head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("nosniff", socket.Head, StringComparison.OrdinalIgnoreCase);
    }
}
