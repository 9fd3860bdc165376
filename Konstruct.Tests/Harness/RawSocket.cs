using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Konstruct.Tests.Harness;

/// <summary>
/// The bytes of a WebSocket connection, written by hand: frames that no client library would let through. It goes on reading while it writes, as a
/// browser does.
/// </summary>
internal sealed class RawSocket : IAsyncDisposable
{
    /// <summary>The header lines of an upgrade.</summary>
    public const string Upgrade =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

    private readonly TcpClient _tcp = new() { NoDelay = true };
    private readonly Queue<WireFrame?> _frames = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private NetworkStream _stream = null!;
    private Task _reading = Task.CompletedTask;

    /// <summary>The status of the answer to the upgrade; 101: it is a WebSocket now. 0: hung up.</summary>
    public int Status { get; private set; }

    /// <summary>The head of that answer.</summary>
    public string Head { get; private set; } = "";

    /// <summary>How many pings have come.</summary>
    public int Pings { get; private set; }

    /// <summary>Whether to answer pings. Default: no.</summary>
    public bool AnswersPings { get; set; }

    /// <summary>Whether the end of the connection has been read.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Connects, and nothing more.</summary>
    public static async Task<RawSocket> ConnectAsync(int port)
    {
        var raw = new RawSocket();
        await raw._tcp.ConnectAsync(IPAddress.Loopback, port);
        raw._stream = raw._tcp.GetStream();
        return raw;
    }

    /// <summary>Asks for the upgrade.</summary>
    /// <param name="conversation">The last part of the URL.</param>
    /// <param name="isV2">Which version to speak.</param>
    /// <param name="headers">Header lines in the place of those that an upgrade has.</param>
    /// <param name="extraHeaders">Header lines beside them.</param>
    /// <param name="method">The request's method.</param>
    public async Task UpgradeAsync(string conversation, bool isV2, string headers = Upgrade, string extraHeaders = "", string method = "GET")
    {
        var version = isV2 ? $"Sec-WebSocket-Protocol: {RawChatV2.Subprotocol}\r\n" : "";
        await WriteAsync(
            Encoding.ASCII.GetBytes($"{method} /chat/ws/{conversation} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}{version}{extraHeaders}\r\n")
        );
        Head = await ReadHeadAsync();
        Status = Head.Length == 0 ? 0 : int.Parse(Head.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        if (Status == 101)
        {
            _reading = ReadFramesAsync();
        }
    }

    public Task TextAsync(string text) => FrameAsync(WireFrame.Text, Encoding.UTF8.GetBytes(text));

    /// <summary>Writes one frame.</summary>
    /// <param name="opcode">What it is; 0 continues the one before.</param>
    /// <param name="payload">Its payload.</param>
    /// <param name="isLast">Whether the message ends with it.</param>
    /// <param name="isMasked">As a client's must be.</param>
    /// <param name="reserved">The three reserved bits, 0 to 7.</param>
    /// <param name="length">The length that its head claims.</param>
    public Task FrameAsync(int opcode, ReadOnlyMemory<byte> payload, bool isLast = true, bool isMasked = true, int reserved = 0, ulong? length = null)
    {
        var claimed = length ?? (ulong)payload.Length;
        var frame = new MemoryStream();
        frame.WriteByte((byte)((isLast ? 0x80 : 0) | (reserved << 4) | opcode));
        var mask = isMasked ? 0x80 : 0;
        Span<byte> number = stackalloc byte[8];
        switch (claimed)
        {
            case < 126:
                frame.WriteByte((byte)(mask | (int)claimed));
                break;
            case <= ushort.MaxValue:
                frame.WriteByte((byte)(mask | 126));
                BinaryPrimitives.WriteUInt16BigEndian(number, (ushort)claimed);
                frame.Write(number[..2]);
                break;
            default:
                frame.WriteByte((byte)(mask | 127));
                BinaryPrimitives.WriteUInt64BigEndian(number, claimed);
                frame.Write(number);
                break;
        }
        if (isMasked)
        {
            frame.Write(new byte[4]); // A mask of zeros leaves the payload as it is.
        }

        frame.Write(payload.Span);
        return WriteAsync(frame.ToArray());
    }

    /// <summary>Writes bytes. A server that has hung up by now is seen when reading.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await _stream.WriteAsync(bytes);
        }
        catch (IOException)
        {
            // What it said before is still to be read.
        }
    }

    /// <summary>The next frame, other than a ping; null: the connection has ended.</summary>
    public async Task<WireFrame?> ReadAsync()
    {
        if (!await _arrived.WaitAsync(Until.Soon))
        {
            throw new TimeoutException("No frame came.");
        }

        lock (_frames)
        {
            var frame = _frames.Dequeue();
            HasEnded = frame is null;
            return frame;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _tcp.Dispose();
        await _reading;
        _arrived.Dispose();
    }

    /// <summary>Reads until the server hangs up.</summary>
    public async Task ReadToEndAsync()
    {
        var buffer = new byte[1024];
        try
        {
            while (await _stream.ReadAsync(buffer).AsTask().WaitAsync(Until.Soon) > 0) { }
        }
        catch (IOException)
        {
            // Likewise an end.
        }
    }

    /// <summary>Reads the head of an answer to what was written by hand; empty: hung up.</summary>
    public async Task<string> ReadHeadAsync()
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await _stream.ReadAsync(one).AsTask().WaitAsync(Until.Soon) == 0)
            {
                return "";
            }

            head.Append((char)one[0]);
        }
        return head.ToString();
    }

    private async Task ReadFramesAsync()
    {
        try
        {
            var head = new byte[2];
            while (true)
            {
                await _stream.ReadExactlyAsync(head);
                var length = await ReadLengthAsync(head[1]);
                var payload = new byte[length];
                await _stream.ReadExactlyAsync(payload);
                if ((head[0] & 15) != WireFrame.Ping)
                {
                    Add(new(head[0] & 15, payload));
                    continue;
                }
                Pings++;
                if (AnswersPings)
                {
                    await FrameAsync(WireFrame.Pong, payload);
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            Add(null);
        }
    }

    private async Task<int> ReadLengthAsync(byte first)
    {
        if (first < 126)
        {
            return first;
        }

        var number = new byte[first == 126 ? 2 : 8];
        await _stream.ReadExactlyAsync(number);
        return first == 126 ? BinaryPrimitives.ReadUInt16BigEndian(number) : checked((int)BinaryPrimitives.ReadUInt64BigEndian(number));
    }

    private void Add(WireFrame? frame)
    {
        lock (_frames)
        {
            _frames.Enqueue(frame);
        }

        _arrived.Release();
    }
}

/// <summary>A frame as it came over the wire.</summary>
internal sealed record WireFrame(int Opcode, byte[] Payload)
{
    public const int Text = 1;
    public const int Close = 8;
    public const int Ping = 9;
    public const int Pong = 10;

    public int? CloseCode =>
        Opcode == Close
            ? Payload.Length >= 2
                ? BinaryPrimitives.ReadUInt16BigEndian(Payload)
                : 1005
            : null;

    public JsonElement Json => JsonElement.Parse(Payload);
}
