using System.Text.Json;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;

namespace Konstruct.Gateway.Protocol;

/// <summary>Kind of a client's frame.</summary>
internal enum ClientFrameKind
{
    /// <summary>Not JSON, not an object, or a known member of the wrong type.</summary>
    Bad,

    /// <summary>An object with an unknown <c>type</c>: ignored.</summary>
    Unknown,

    /// <summary>Credentials.</summary>
    Auth,

    /// <summary>A message to the AI employee.</summary>
    Message,

    /// <summary>v2: replay a turn.</summary>
    Resume,

    /// <summary>v2: stop a turn.</summary>
    Cancel,

    /// <summary>v2: asks for a <c>pong</c>. Browsers cannot send the pings of WebSocket.</summary>
    Ping,
}

/// <summary>
/// A client's frame, parsed once. Members that are absent or JSON null are null, because the original treated both
/// alike. Lone surrogates and NUL in strings become U+FFFD, so that strings can be stored and sent back. A frame of the kind
/// <see cref="ClientFrameKind.Bad"/> keeps the ids that were read, so that its refusal names the message.
/// </summary>
internal readonly record struct ClientFrame(ClientFrameKind Kind)
{
    /// <summary>Longest <see cref="MessageId"/>, in UTF-16 units.</summary>
    public const int MaxMessageIdLength = StreamEvent.MaxMessageIdLength;

    /// <summary>Generous for a flat object, but small enough for hostile input.</summary>
    private static readonly JsonReaderOptions Options = new() { MaxDepth = 16 };

    /// <summary><c>auth</c>: the user's UUID, as sent. A value that is not a string is kept as a text that is not a UUID.</summary>
    public string? UserId { get; init; }

    /// <summary><c>auth</c>: the tenant's UUID, as sent.</summary>
    public string? TenantId { get; init; }

    /// <summary><c>auth</c>: the user's role in the portal.</summary>
    public string? Role { get; init; }

    /// <summary><c>auth</c>: a JSON Web Token with user, tenant and role.</summary>
    public string? Token { get; init; }

    /// <summary><c>message</c>: the text.</summary>
    public string? Text { get; init; }

    /// <summary><c>message</c>: the AI employee.</summary>
    public string? AgentId { get; init; }

    /// <summary><c>message</c>: overrides the URL's in v1; must equal it in v2.</summary>
    public string? ConversationId { get; init; }

    /// <summary><c>message</c>: the sender's name to show.</summary>
    public string? DisplayName { get; init; }

    /// <summary><c>message</c>, <c>cancel</c> (v2): the client's message id.</summary>
    public string? MessageId { get; init; }

    /// <summary><c>message</c> (v2): a W3C trace context to continue.</summary>
    public string? TraceParent { get; init; }

    /// <summary><c>resume</c>, <c>cancel</c> (v2): the turn, as sent.</summary>
    public string? TurnId { get; init; }

    /// <summary><c>resume</c> (v2): the attempt that the client has; null: none.</summary>
    public int? Attempt { get; init; }

    /// <summary><c>resume</c> (v2): the last seq that the client has; 0 or null: none.</summary>
    public int? After { get; init; }

    /// <summary>Parses one frame. Never throws on bad input.</summary>
    public static ClientFrame Parse(ReadOnlySpan<byte> utf8)
    {
        var frame = new ClientFrame(ClientFrameKind.Bad);
        try
        {
            var reader = new Utf8JsonReader(utf8, Options);
            var kind = Read(ref reader, ref frame);
            return frame with { Kind = kind };
        }
        catch (JsonException)
        {
            return frame;
        }
    }

    /// <summary>Reads the members into <paramref name="frame"/> and returns its kind. After an exception it has the members before the error.</summary>
    private static ClientFrameKind Read(ref Utf8JsonReader reader, ref ClientFrame frame)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return ClientFrameKind.Bad;
        }

        string? type = null;
        var isTyped = true;
        var wellTyped = true;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.Is("type"u8))
            {
                isTyped = TryReadString(ref reader, out type);
            }
            else if (reader.Is("userId"u8))
            {
                frame = frame with { UserId = ReadId(ref reader) };
            }
            else if (reader.Is("tenantId"u8))
            {
                frame = frame with { TenantId = ReadId(ref reader) };
            }
            else if (reader.Is("token"u8))
            {
                frame = frame with { Token = ReadId(ref reader) };
            }
            else if (reader.Is("turnId"u8))
            {
                frame = frame with { TurnId = ReadId(ref reader) };
            }
            else if (reader.Is("role"u8))
            {
                wellTyped &= TryReadString(ref reader, out var value);
                frame = frame with { Role = value };
            }
            else if (reader.Is("text"u8))
            {
                wellTyped &= TryReadString(ref reader, out var value);
                frame = frame with { Text = value };
            }
            else if (reader.Is("agentId"u8))
            {
                wellTyped &= TryReadString(ref reader, out var value);
                frame = frame with { AgentId = value };
            }
            else if (reader.Is("conversationId"u8))
            {
                frame = frame with { ConversationId = ReadId(ref reader) };
            }
            else if (reader.Is("displayName"u8))
            {
                wellTyped &= TryReadString(ref reader, out var value);
                frame = frame with { DisplayName = value };
            }
            else if (reader.Is("messageId"u8))
            {
                wellTyped &= TryReadString(ref reader, out var value);
                frame = frame with { MessageId = value };
            }
            else if (reader.Is("traceparent"u8))
            {
                wellTyped &= TryReadString(ref reader, out var value);
                frame = frame with { TraceParent = value };
            }
            else if (reader.Is("attempt"u8))
            {
                wellTyped &= TryReadCount(ref reader, out var value);
                frame = frame with { Attempt = value };
            }
            else if (reader.Is("after"u8))
            {
                wellTyped &= TryReadCount(ref reader, out var value);
                frame = frame with { After = value };
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        // Data behind the object makes the frame invalid, as in any JSON parser.
        if (reader.TokenType != JsonTokenType.EndObject || reader.Read())
        {
            return ClientFrameKind.Bad;
        }

        var kind = KindOf(type);
        var isOurs = kind is ClientFrameKind.Message or ClientFrameKind.Resume or ClientFrameKind.Cancel;
        return isTyped && (wellTyped || !isOurs) ? kind : ClientFrameKind.Bad;
    }

    private static ClientFrameKind KindOf(string? type) =>
        type switch
        {
            "auth" => ClientFrameKind.Auth,
            "message" => ClientFrameKind.Message,
            "resume" => ClientFrameKind.Resume,
            "cancel" => ClientFrameKind.Cancel,
            "ping" => ClientFrameKind.Ping,
            _ => ClientFrameKind.Unknown,
        };

    /// <summary>An id or token of the wrong type becomes an invalid text, so that it gets the specific error.</summary>
    private static string? ReadId(ref Utf8JsonReader reader) => TryReadString(ref reader, out var value) ? value : "not a string";

    private static bool TryReadString(ref Utf8JsonReader reader, out string? value)
    {
        value = null;
        reader.Read();
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return true;
            case JsonTokenType.String:
                value = JsonText.Unescape(reader.ValueSpan).ToStorable();
                return true;
            default:
                reader.Skip();
                return false;
        }
    }

    private static bool TryReadCount(ref Utf8JsonReader reader, out int? value)
    {
        value = null;
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
        {
            return true;
        }

        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number) && number >= 0)
        {
            value = number;
            return true;
        }

        reader.Skip();
        return false;
    }
}
