using Xunit;

namespace Konstruct.Tests.Harness;

/// <summary>What version 2 adds to a raw socket: its frames as bytes on the way out, parsed on the way in. No state, no second chance.</summary>
internal static class RawChatV2
{
    public const string Subprotocol = "konstruct.chat.v2";

    /// <summary>The next frame.</summary>
    public static async Task<FrameV2> NextAsync(this RawChat chat, TimeSpan? within = null)
    {
        var frame = await chat.ReceiveAsync(within);
        return FrameV2.Parse(frame ?? throw new InvalidOperationException($"Closed with {chat.CloseCode}."));
    }

    /// <summary>The next frame, which must be of this type.</summary>
    public static async Task<FrameV2> NextAsync(this RawChat chat, string type, TimeSpan? within = null)
    {
        var frame = await chat.NextAsync(within);
        Assert.True(frame.Type == type, $"Expected {type}, got {frame.Bytes}");
        return frame;
    }

    /// <summary>
    /// The next <c>typing</c> that names a message. What comes before is skipped: in a Redis Cluster the end of a turn may overtake its announcement, and a
    /// gateway whose socket has just joined then hears of a turn that has ended.
    /// </summary>
    public static async Task<FrameV2> AcknowledgementAsync(this RawChat chat)
    {
        FrameV2 frame;
        do
        {
            frame = await chat.NextAsync();
            Assert.NotEqual("error", frame.Type);
        } while (frame.Type != "typing" || frame.MessageId is null);
        return frame;
    }

    /// <summary>Frames up to the first of this type, which is the last of the result.</summary>
    public static async Task<List<FrameV2>> ReadToAsync(this RawChat chat, string type, TimeSpan? within = null)
    {
        var frames = new List<FrameV2>();
        try
        {
            do
            {
                frames.Add(await chat.NextAsync(within));
            } while (frames[^1].Type != type);
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException(
                $"{exception.Message} Waiting for {type}; read before: {string.Join(", ", frames.Select(frame => frame.Type))}.",
                exception
            );
        }

        return frames;
    }

    public static Task SayAsync(this RawChat chat, string text, string messageId) =>
        chat.SendAsync(
            $$"""{"type":"message","text":{{PythonJson.Compact(text)}},"agentId":"{{Person.Agent}}","messageId":{{PythonJson.Compact(messageId)}}}"""
        );

    public static Task ResumeAsync(this RawChat chat, Guid turnId, int attempt, int after) =>
        chat.SendAsync($$"""{"type":"resume","turnId":"{{turnId}}","attempt":{{attempt}},"after":{{after}}}""");

    public static Task CancelTurnAsync(this RawChat chat, Guid turnId) => chat.SendAsync($$"""{"type":"cancel","turnId":"{{turnId}}"}""");

    public static Task CancelMessageAsync(this RawChat chat, string messageId) =>
        chat.SendAsync($$"""{"type":"cancel","messageId":{{PythonJson.Compact(messageId)}}}""");

    extension(RawChat)
    {
        /// <summary>Connects, authenticates and reads <c>ready</c>.</summary>
        public static async Task<(RawChat Chat, FrameV2 Ready)> OpenV2Async(IServer gateway, Person person, Guid conversation)
        {
            var chat = await RawChat.ConnectAsync(gateway, $"{conversation}", Subprotocol);
            await chat.SendAsync(person.Auth);
            return (chat, await chat.NextAsync("ready"));
        }
    }
}
