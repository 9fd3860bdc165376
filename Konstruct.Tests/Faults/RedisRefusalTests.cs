using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Faults;

/// <summary>
/// A Redis that is there and refuses. Only some refusals counted as an outage; any other, in whatever loop met it first, ended gateway and worker.
/// </summary>
[Collection<Sharing<OwnStores>>]
[Trait("Tier", "Long")]
public sealed class RedisRefusalTests(OwnStores stores) : OwnStoresTests(stores)
{
    private const string Asked = "/stream tokens=60 rate=30";

    [Theory]
    [InlineData("NOREPLICAS", "CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0")]
    [InlineData("can't run this command", "ACL SETUSER default resetchannels -zscore", "ACL SETUSER default allchannels +@all")]
    [InlineData("OOM", "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0")]
    [InlineData("READONLY", "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE")]
    public async Task What_Redis_refuses_is_tried_until_it_does_not(string refusal, string spoil, string restore)
    {
        await using var chat = await StreamAsync();
        await ExecuteAsync(spoil);
        try
        {
            await FailedAsync(Pipeline.Gateway, "is tried again", refusal);
            await FailedAsync(Pipeline.Worker, "is tried again", refusal);
            AssertAlive();
        }
        finally
        {
            await ExecuteAsync(restore);
        }

        await AssertAnsweredAsync(chat, Asked);
        await AssertServesAsync();
    }

    [Fact]
    public async Task Redis_that_could_not_save_is_no_reason_to_end()
    {
        var folder = (string)((StackExchange.Redis.RedisResult[])(await Pipeline.Redis.Database.ExecuteAsync("CONFIG", "GET", "dir"))!)[1]!;
        await using var chat = await StreamAsync();
        Directory.Delete(folder, recursive: true);
        try
        {
            await Pipeline.Redis.Database.ExecuteAsync("BGSAVE"); // Before Redis saves by itself: it refuses a second save while one runs.
            await Pipeline.Redis.Database.ExecuteAsync("CONFIG", "SET", "save", "1 1");
            await FailedAsync(Pipeline.Gateway, "is tried again", "MISCONF");
            await FailedAsync(Pipeline.Worker, "is tried again", "MISCONF");
            AssertAlive();
        }
        finally
        {
            Directory.CreateDirectory(folder);
            await Pipeline.Redis.Database.ExecuteAsync("CONFIG", "SET", "save", "");
            await Pipeline.Redis.Database.ExecuteAsync("CONFIG", "SET", "stop-writes-on-bgsave-error", "no");
        }

        await AssertAnsweredAsync(chat, Asked);
        await AssertServesAsync();
    }

    private async Task<RawChat> StreamAsync()
    {
        var chat = await RawChat.OpenAsync(Pipeline.Gateway, Person, Conversation);
        await chat.SayAsync(Asked);
        await chat.ExpectAsync(Frames.Typing);
        Assert.StartsWith("""{"type":"chunk",""", await chat.ReceiveAsync(), StringComparison.Ordinal);
        return chat;
    }

    private async Task ExecuteAsync(string command)
    {
        var words = command.Split(' ');
        await Pipeline.Redis.Database.ExecuteAsync(words[0], [.. words[1..]]);
    }
}
