using Konstruct.Gateway.Protocol;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Protocol;

/// <summary>What hostile and clumsy clients send. Each gets its answer, nothing is stored, and a bystander notices nothing. The run ends with the table.</summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class BadInputTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    /// <summary>Served after whatever came before, with an error that names it: what came before that is the answer to the bad input.</summary>
    private const string AreYouThere = """{"type":"message","text":"x","conversationId":"?","messageId":"are-you-there"}""";

    [Fact]
    public async Task Bad_input_gets_its_answer_stores_nothing_and_harms_nobody()
    {
        var (victim, hostile) = (Person.New(), Person.New());
        var foreign = await AnswerAsync(victim);
        var (bystander, _) = await RawChat.OpenV2Async(Gateway, Person.New(), Guid.NewGuid());
        await using var _ = bystander;

        var rows = new List<Row>();
        foreach (var input in BadInput.All)
        {
            rows.Add(new(input.Name, input.Expected, await TryAsync(input, hostile, foreign), await IsWellAsync(bystander)));
        }

        foreach (var (name, expected, request) in Requests(Gateway))
        {
            rows.Add(new(name, expected, await request(), await IsWellAsync(bystander)));
        }

        var table = string.Concat(
            rows.Select(row =>
                $"{(IsRight(row) ? "as expected" : "UNEXPECTED ")}  {row.Name, -42}  {row.Got}{(row.Got == row.Expected ? "" : $"   expected: {row.Expected}")}{(row.IsBystanderWell ? "" : "   A BYSTANDER WAS HARMED")}\n"
            )
        );
        Report.Write("bad-inputs.txt", table);
        Assert.True(rows.Count >= 60, $"{rows.Count} inputs are too few.");
        Assert.True(rows.TrueForAll(IsRight), table);
        Assert.Equal(0, await Sql.MessageCountAsync(hostile.Tenant));
        Assert.Equal(2, await Sql.MessageCountAsync(victim.Tenant));
    }

    private static bool IsRight(Row row) => row.Got == row.Expected && row.IsBystanderWell;

    /// <summary>What is refused before, or without, an upgrade; and clients that leave at every step of it.</summary>
    private static IEnumerable<(string Name, string Expected, Func<Task<string>> Send)> Requests(ServiceProcess gateway)
    {
        var id = Guid.NewGuid().ToString();
        yield return ("no upgrade", "HTTP 426", () => StatusAsync("Connection: close\r\n"));
        yield return ("POST", "HTTP 405", () => StatusAsync(RawSocket.Upgrade, "POST"));
        yield return ("an old version of WebSocket", "HTTP 426", () => StatusAsync(RawSocket.Upgrade.Replace("13", "8", StringComparison.Ordinal)));
        yield return ("no key", "HTTP 426", () => StatusAsync("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"));
        yield return ("headers of 40 KB", "HTTP 431", () => StatusAsync($"X-Long: {new string('x', 40_000)}\r\n"));
        yield return ("two Origins", "HTTP 403", () => StatusAsync($"{RawSocket.Upgrade}Origin: http://localhost\r\nOrigin: http://localhost\r\n"));
        yield return ("leaves after connecting", "gone", () => LeaveAsync(default));
        yield return ("leaves in the middle of the upgrade", "gone", () => LeaveAsync("GET /chat/ws/x HTTP/1.1\r\nHost:"u8.ToArray()));
        yield return ("leaves after the upgrade", "gone", () => LeaveUpgradedAsync(_ => Task.CompletedTask));
        yield return ("leaves in a frame's head", "gone", () => LeaveUpgradedAsync(socket => socket.WriteAsync(new byte[] { 0x81 })));
        yield return (
            "leaves in the auth frame",
            "gone",
            () => LeaveUpgradedAsync(socket => socket.FrameAsync(WireFrame.Text, "{"u8.ToArray(), length: 100))
        );
        yield return ("leaves after auth", "gone", () => LeaveUpgradedAsync(socket => socket.TextAsync(Person.New().Auth)));
        yield return (
            "leaves in a message",
            "gone",
            () =>
                LeaveUpgradedAsync(async socket =>
                {
                    await socket.TextAsync(Person.New().Auth);
                    await socket.FrameAsync(WireFrame.Text, "{"u8.ToArray(), isLast: false);
                })
        );

        async Task<string> StatusAsync(string headers, string method = "GET")
        {
            await using var socket = await RawSocket.ConnectAsync(gateway.Port);
            await socket.UpgradeAsync(id, isV2: true, headers, method: method);
            return $"HTTP {socket.Status}";
        }

        async Task<string> LeaveAsync(ReadOnlyMemory<byte> after)
        {
            await using var socket = await RawSocket.ConnectAsync(gateway.Port);
            await socket.WriteAsync(after);
            return "gone";
        }

        async Task<string> LeaveUpgradedAsync(Func<RawSocket, Task> after)
        {
            await using var socket = await RawSocket.ConnectAsync(gateway.Port);
            await socket.UpgradeAsync(id, isV2: true);
            await after(socket);
            return "gone";
        }
    }

    private async Task<string> TryAsync(BadInput input, Person hostile, Foreign foreign)
    {
        try
        {
            return await AnswerToAsync(input, hostile, foreign);
        }
        catch (TimeoutException)
        {
            return "silence";
        }
    }

    private async Task<string> AnswerToAsync(BadInput input, Person hostile, Foreign foreign)
    {
        await using var socket = await RawSocket.ConnectAsync(Gateway.Port);
        await socket.UpgradeAsync($"{Guid.NewGuid()}", input.IsV2);
        if (input.IsAuthenticated)
        {
            await socket.TextAsync(hostile.Auth);
            if (input.IsV2)
            {
                Assert.Equal("ready", (await socket.ReadAsync())!.Json.GetProperty("type").GetString());
            }
        }

        await input.Send(socket, foreign);
        await socket.TextAsync(AreYouThere);
        return await OutcomeAsync(socket, input.IsV2);
    }

    /// <summary>Frames until the socket says that it is still there, or ends.</summary>
    private static async Task<string> OutcomeAsync(RawSocket socket, bool isV2)
    {
        var outcome = new List<(string What, int Times)>();
        while (await socket.ReadAsync() is { } frame)
        {
            if (IsSignOfLife(frame, isV2))
            {
                return Print(isV2 ? outcome : outcome[..^1]); // Version 1 says that it is typing before it looks.
            }

            var what = Describe(frame);
            if (outcome.Count > 0 && outcome[^1].What == what)
            {
                outcome[^1] = (what, outcome[^1].Times + 1);
            }
            else
            {
                outcome.Add((what, 1));
            }

            if (frame.Opcode == WireFrame.Close)
            {
                return Print(outcome);
            }
        }

        outcome.Add(("cut", 1));
        return Print(outcome);
    }

    private static bool IsSignOfLife(WireFrame frame, bool isV2) =>
        frame.Opcode == WireFrame.Text
        && Describe(frame) == WireError.InvalidConversationId.Code
        && (!isV2 || (frame.Json.TryGetProperty("message_id", out var id) && id.GetString() == "are-you-there"));

    private static string Print(List<(string What, int Times)> outcome) =>
        outcome.Count == 0 ? "nothing" : string.Join(", ", outcome.Select(o => o.Times == 1 ? o.What : $"{o.What} × {o.Times}"));

    private static string Describe(WireFrame frame) =>
        frame switch
        {
            { CloseCode: { } code } => $"close {code}",
            { Opcode: WireFrame.Pong } => "pong",
            _ when frame.Json.GetProperty("type").GetString() is not "error" => frame.Json.GetProperty("type").GetString()!,
            _ => WireError.All.Single(error => error.Message == frame.Json.GetProperty("message").GetString()).Code,
        };

    private static async Task<bool> IsWellAsync(RawChat bystander)
    {
        await bystander.SayAsync("/burst 3");
        var frames = await bystander.ReadToAsync("done");
        return frames.Select(frame => frame.Type).SequenceEqual(["typing", "chunk", "chunk", "chunk", "done"]);
    }

    private async Task<Foreign> AnswerAsync(Person person)
    {
        var conversation = Guid.NewGuid();
        var (chat, _) = await RawChat.OpenV2Async(Gateway, person, conversation);
        await using (chat)
        {
            await chat.SayAsync("/burst 3");
            return new(conversation, (await chat.ReadToAsync("done"))[^1].TurnId!.Value);
        }
    }

    private sealed record Row(string Name, string Expected, string Got, bool IsBystanderWell);
}
