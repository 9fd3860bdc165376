using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Konstruct.Tests.Harness;
using Konstruct.Tests.LocalServers;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Standalone;

/// <summary>The committed manifest, brought up by the runner as <c>dotnet run</c> does, with a client of the original protocol.</summary>
public sealed class WholePathTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task An_unmodified_client_chats_and_its_messages_are_rows()
    {
        var manifest = Path.Combine(BuiltPrograms.RepositoryRoot, "aspire-manifest.json");
        var state = Path.Combine(_folder.Path, "state");
        await using var runner = await Runner.StartAsync(state, manifest);
        var person = Person.New();
        var conversation = Guid.NewGuid();

        var frames = await ChatAsync(new UriBuilder(runner.AddressOf("gateway")) { Scheme = "ws", Path = $"/chat/ws/{conversation}" }.Uri, person, "Hello");

        Assert.Equal(Frames.Typing, frames[0]);
        var text = string.Concat(frames[1..^1].Select(frame => JsonDocument.Parse(frame).RootElement.GetProperty("text").GetString()));
        Assert.NotEmpty(text);
        Assert.All(frames[1..^1], frame => Assert.StartsWith("""{"type":"chunk",""", frame, StringComparison.Ordinal));
        Assert.Equal(Frames.Done(text, conversation), frames[^1]);

        await using var asked = await Runner.RunToEndAsync(state, manifest, ["--env", "schema"]);
        var owner = asked.Output.Split('\n').Single(line => line.StartsWith("ConnectionStrings__konstruct-db=", StringComparison.Ordinal)).Split('=', 2)[1];
        // The superuser sees every tenant's rows.
        var messages = await new Sql(new NpgsqlConnectionStringBuilder(owner) { Pooling = false }.ConnectionString).MessagesAsync(conversation);
        Assert.Equal([("user", "Hello"), ("assistant", text)], messages.Select(message => (message.Role, message.Content)));

        await runner.StopAsync();
        Assert.Equal(0, runner.ExitCode);
        Assert.DoesNotContain("was killed", runner.Output, StringComparison.Ordinal);
        await runner.NothingIsLeftAsync();
    }

    /// <summary>All frames up to the one that ends the turn.</summary>
    private static async Task<List<string>> ChatAsync(Uri address, Person person, string text)
    {
        using var deadline = new CancellationTokenSource(LocalServer.Deadline);
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(address, deadline.Token);
        await SendAsync(person.Auth);
        await SendAsync($$"""{"type":"message","text":"{{text}}","agentId":"{{Person.Agent}}"}""");
        var frames = new List<string>();
        do
            frames.Add(await ReceiveAsync());
        while (!Turn.Ends(frames[^1]));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, deadline.Token);
        return frames;

        ValueTask SendAsync(string frame) => socket.SendAsync(Encoding.UTF8.GetBytes(frame).AsMemory(), WebSocketMessageType.Text, true, deadline.Token);

        async Task<string> ReceiveAsync()
        {
            using var frame = new MemoryStream();
            var buffer = new byte[4096];
            while (true)
            {
                var part = await socket.ReceiveAsync(buffer.AsMemory(), deadline.Token);
                Assert.Equal(WebSocketMessageType.Text, part.MessageType);
                frame.Write(buffer.AsSpan(0, part.Count));
                if (part.EndOfMessage)
                    return Encoding.UTF8.GetString(frame.ToArray());
            }
        }
    }

    public void Dispose() => _folder.Dispose();
}
