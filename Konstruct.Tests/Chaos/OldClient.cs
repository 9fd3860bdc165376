using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Chaos;

/// <summary>
/// A client of version 1: it connects, asks, reads, and knows nothing else. What it was not told when it was cut off it never learns; it asks
/// something new.
/// </summary>
internal sealed class OldClient(ChaosRig rig, string name, Person person, Guid conversation, int seed) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly Random _random = new(seed);
    private readonly Questions _questions = new(name, seed);
    private readonly List<Exchange> _exchanges = [];
    private readonly List<Violation> _violations = [];
    private readonly CancellationTokenSource _leave = new();

    public IReadOnlyList<AskedMessage> Asked => [.. _exchanges.Select(e => new AskedMessage(person.Tenant, conversation, e.Text, null))];

    public IEnumerable<ToldTurn> Told =>
        _exchanges.Select(e => new ToldTurn(name, conversation, e.Text, null, e.IsAccepted, e.Streamed.ToString(), e.Ending)
        {
            MustEnd = e.IsHung,
            Story = string.Join(" ", e.Types),
        });

    public IReadOnlyList<Violation> Violations => _violations;

    public int Returns { get; private set; }

    /// <summary>Asks until it is to stop, and then waits for what it asked last.</summary>
    public async Task TalkAsync(CancellationToken stop)
    {
        for (var visit = _random.Next(2); !stop.IsCancellationRequested; visit++)
        {
            try
            {
                await using var chat = await RawChat.ConnectAsync(rig.Doors[visit % rig.Doors.Count], $"{conversation}");
                await using var leaving = _leave.Token.Register(chat.Abort);
                await chat.SendAsync(person.Auth);
                while (!stop.IsCancellationRequested && await ExchangeAsync(chat)) { }
                await chat.CloseAsync();
            }
            catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
            {
                // Cut off: come back.
            }

            Returns++;
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    public void Dispose() => _leave.Dispose();

    /// <summary>Leaves although answers are missing.</summary>
    public Task LeaveAsync() => _leave.CancelAsync();

    /// <summary>Asks once, or twice at once, and reads to the last end. False: the server has closed.</summary>
    private async Task<bool> ExchangeAsync(RawChat chat)
    {
        var exchanges = Enumerable.Range(0, _random.Next(4) == 0 ? 2 : 1).Select(_ => new Exchange(_questions.Next())).ToList();
        foreach (var exchange in exchanges)
        {
            _exchanges.Add(exchange);
            await chat.SayAsync(exchange.Text);
        }

        foreach (var exchange in exchanges)
        {
            while (!exchange.IsOver)
            {
                string? frame;
                try
                {
                    frame = await chat.ReceiveAsync(Timeout.InfiniteTimeSpan);
                }
                finally
                {
                    exchange.IsHung = _leave.IsCancellationRequested;
                }

                if (frame is null)
                {
                    NoteClose(chat.CloseCode);
                    return false;
                }

                Hear(exchange, frame);
            }
        }

        return true;
    }

    private void NoteClose(int? code)
    {
        if (code is not (null or 1000 or 1012))
        {
            _violations.Add(new(Rule.Frame, $"{name} was closed with {code}"));
        }
    }

    /// <summary>Only the frames of the original, byte for byte, and in the original's order.</summary>
    private void Hear(Exchange exchange, string frame)
    {
        using var json = JsonDocument.Parse(frame);
        var type = json.RootElement.GetProperty("type").GetString();
        var text = json.RootElement.TryGetProperty(type == "error" ? "message" : "text", out var value) ? value.GetString()! : "";
        var expected = type switch
        {
            "typing" when !exchange.IsTyping => Frames.Typing,
            "chunk" when exchange.IsTyping => Frames.Chunk(text),
            "done" when exchange.IsTyping => Frames.Done(text, conversation),
            "error" => Frames.Error(text),
            _ => null,
        };
        if (frame != expected)
        {
            _violations.Add(new(Rule.Frame, $"{name}, asking {exchange.Text}: {frame}"));
        }

        exchange.Hear(type!, text, isFailure: frame == Frames.NoAnswer);
    }

    /// <summary>A message and what came for it.</summary>
    private sealed class Exchange(string text)
    {
        public string Text => text;

        public StringBuilder Streamed { get; } = new();

        /// <summary>What came, in order.</summary>
        public List<string> Types { get; } = [];

        public bool IsTyping { get; private set; }

        /// <summary>Told so by the first thing that only an accepted message can have.</summary>
        public bool IsAccepted { get; private set; }

        /// <summary>An end, or an error, which does not say whether the message is stored.</summary>
        public bool IsOver { get; private set; }

        public bool IsHung { get; set; }

        public TurnEnding? Ending { get; private set; }

        public void Hear(string type, string content, bool isFailure)
        {
            Types.Add(type);
            IsTyping |= type == "typing";
            IsAccepted |= type is "chunk" or "done" || isFailure;
            IsOver = type is "done" or "error";
            if (type == "chunk")
            {
                Streamed.Append(content);
            }
            else if (type == "done")
            {
                Ending = new(null, null, content);
            }
            else if (isFailure)
            {
                Ending = new("failed", null, null);
            }
        }
    }
}
