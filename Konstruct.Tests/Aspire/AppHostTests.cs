using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Xunit;

namespace Konstruct.Tests.Aspire;

/// <summary>The real AppHost, with its orchestrator, brings the pipeline up and a client of the original protocol chats over it.</summary>
public sealed class AppHostTests
{
    /// <summary>Images may have to be pulled, or PostgreSQL fetched.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_chat_runs_over_the_real_AppHost()
    {
        var test = TestContext.Current.CancellationToken;
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Konstruct_AppHost>(test).WaitAsync(StartPatience, test);
        await using var app = await builder.BuildAsync(test).WaitAsync(StartPatience, test);
        await app.StartAsync(test).WaitAsync(StartPatience, test);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("gateway", test).WaitAsync(StartPatience, test);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("orchestrator", test).WaitAsync(StartPatience, test);

        var conversation = Guid.NewGuid();
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(app.GetEndpoint("gateway", "http")) { Scheme = "ws", Path = $"/chat/ws/{conversation}" }.Uri, test);
        await SendAsync(socket, $$"""{"type":"auth","userId":"{{Guid.NewGuid()}}","role":"customer_admin","tenantId":"{{Guid.NewGuid()}}"}""", test);
        await SendAsync(socket, $$"""{"type":"message","text":"/burst 3","agentId":"{{Guid.NewGuid()}}"}""", test);

        var text = "";
        while (true)
        {
            var frame = JsonNode.Parse(await ReceiveAsync(socket, test).WaitAsync(AnswerPatience, test))!;
            switch ((string?)frame["type"])
            {
                case "chunk": text += (string?)frame["text"]; break;
                case "done":
                    Assert.NotEqual("", text);
                    Assert.Equal(text, (string?)frame["text"]);
                    Assert.Equal($"{conversation}", (string?)frame["conversation_id"]);
                    return;
                case "error": Assert.Fail(frame.ToString()); break;
            }
        }
    }

    private static Task SendAsync(ClientWebSocket socket, string frame, CancellationToken stop) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(frame), WebSocketMessageType.Text, endOfMessage: true, stop);

    private static async Task<string> ReceiveAsync(ClientWebSocket socket, CancellationToken stop)
    {
        using var frame = new MemoryStream();
        var buffer = new byte[4096];
        ValueWebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer.AsMemory(), stop);
            frame.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return Encoding.UTF8.GetString(frame.ToArray());
    }
}
