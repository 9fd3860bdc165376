using System.Net.WebSockets;
using System.Text;
using Konstruct.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Konstruct.Tests.Clients;

/// <summary>The terminal's client, compiled and run as a developer does, against a gateway that is played.</summary>
[Trait("Tier", "Long")]
public sealed class TerminalTests
{
    [Fact]
    public async Task Escape_sequences_of_an_answer_are_not_printed()
    {
        await using var gateway = await StartAsync(async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await SendAsync(socket, """{"type":"chunk","text":"safe\u001b[2J\u001b]52;c;ZXZpbA==\u0007\u009b31m\r\u0000\ttab\nline 🙂"}""");
            await SendAsync(socket, """{"type":"error","message":"bad\u001b]0;title\u0007"}""");
            await socket.ReceiveAsync(new byte[1024], context.RequestAborted);
        });
        var (_, output) = await AskAsync(gateway);

        Assert.Contains("safe\uFFFD[2J", output, StringComparison.Ordinal);
        Assert.Contains("\ttab\nline 🙂", output, StringComparison.Ordinal);
        Assert.Contains("[bad\uFFFD]0;title\uFFFD]", output, StringComparison.Ordinal);
        Assert.DoesNotContain(output, c => char.IsControl(c) && c is not ('\n' or '\t'));
    }

    [Fact]
    public async Task A_gateway_that_says_503_is_starting()
    {
        await using var gateway = await StartAsync(context =>
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        });
        var (exitCode, output) = await AskAsync(gateway);

        Assert.Equal(1, exitCode);
        Assert.Contains("is starting", output, StringComparison.Ordinal);
        Assert.DoesNotContain("Nobody listens", output, StringComparison.Ordinal);
    }

    private static Task<(int ExitCode, string Output)> AskAsync(WebApplication gateway) =>
        NodeTools.RunAsync(
            "dotnet",
            ["run", Path.Combine("clients", "terminal", "chat.cs"), gateway.Urls.Single().Replace("http", "ws", StringComparison.Ordinal), "Hello"],
            BuiltPrograms.RepositoryRoot
        );

    private static Task SendAsync(WebSocket socket, string frame) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(frame), WebSocketMessageType.Text, endOfMessage: true, TestContext.Current.CancellationToken);

    private static async Task<WebApplication> StartAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.UseWebSockets();
        app.Run(answer);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }
}
