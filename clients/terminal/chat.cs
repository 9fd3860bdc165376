// A terminal chat in the original protocol (v1), without any library: dotnet run clients/terminal/chat.cs
// Arguments, all optional: the gateway's address, and a message (without one, each line of standard input is a message).
using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

const string Tenant = "10000000-0000-4000-8000-000000000001";
const string User = "20000000-0000-4000-8000-000000000001";
const string Agent = "30000000-0000-4000-8000-000000000001";
const string Conversation = "40000000-0000-4000-8000-000000000001";

var isAddress = args.Length > 0 && args[0].StartsWith("ws", StringComparison.Ordinal);
var gateway = isAddress ? args[0] : "ws://localhost:5180";
var message = string.Join(' ', isAddress ? args[1..] : args);

using var socket = new ClientWebSocket();
socket.Options.CollectHttpResponseDetails = true;
try
{
    await socket.ConnectAsync(new Uri($"{gateway}/chat/ws/{Conversation}"), CancellationToken.None);
}
catch (WebSocketException) when (socket.HttpStatusCode == HttpStatusCode.ServiceUnavailable)
{
    Console.Error.WriteLine($"The gateway at {gateway} is starting, or stopping. Try again in some seconds; its log says what it waits for.");
    return 1;
}
catch (WebSocketException)
{
    Console.Error.WriteLine($"Nobody listens at {gateway}. Start the application first: dotnet run --project Konstruct.AppHost");
    return 1;
}

await SendAsync(
    new()
    {
        ["type"] = "auth",
        ["userId"] = User,
        ["role"] = "member",
        ["tenantId"] = Tenant,
    }
);
if (message.Length > 0)
{
    return await AskAsync(message) ? 0 : 1;
}

Console.WriteLine("Write a message and press Enter; /burst 100, /unicode, /fail 5 and others make the stub do something special. Ctrl+C ends.");
while (Console.ReadLine() is { } line)
{
    if (line.Length > 0 && !await AskAsync(line))
    {
        return 1;
    }
}

return 0;

async Task<bool> AskAsync(string text)
{
    await SendAsync(
        new()
        {
            ["type"] = "message",
            ["text"] = text,
            ["agentId"] = Agent,
        }
    );
    while (await ReceiveAsync() is { } frame)
    {
        switch ((string?)frame["type"])
        {
            case "chunk":
                Console.Write(Printable(frame["text"]));
                break;
            case "done":
                Console.WriteLine();
                return true;
            case "error":
                Console.WriteLine($"[{Printable(frame["message"])}]");
                return true;
        }
    }

    Console.WriteLine($"[closed: {(int?)socket.CloseStatus} {Printable(socket.CloseStatusDescription)}]");
    return false;
}

// An answer is text: an escape sequence in it could change the reader's screen, title or clipboard. Line feeds and tabs are allowed.
static string Printable(JsonNode? text) =>
    string.Concat(((string?)text ?? "").Select(c => char.IsControl(c) && c is not ('\n' or '\t') ? '\uFFFD' : c));

async Task SendAsync(JsonObject frame) =>
    await socket.SendAsync(Encoding.UTF8.GetBytes(frame.ToJsonString()), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

async Task<JsonNode?> ReceiveAsync()
{
    var buffer = new byte[16 * 1024];
    using var whole = new MemoryStream();
    while (true)
    {
        WebSocketReceiveResult part;
        try
        {
            part = await socket.ReceiveAsync(buffer, CancellationToken.None);
        }
        catch (WebSocketException)
        {
            return null;
        }

        if (part.MessageType == WebSocketMessageType.Close)
        {
            return null;
        }

        whole.Write(buffer, 0, part.Count);
        if (part.EndOfMessage)
        {
            return JsonNode.Parse(whole.ToArray());
        }
    }
}
