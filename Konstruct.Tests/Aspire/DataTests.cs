using Konstruct.Tests.Harness;
using Npgsql;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.Aspire;

/// <summary>What is kept between runs, and what deletes it.</summary>
[Trait("Tier", "Long")]
public sealed class DataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>Passwords are in the user secrets, data is not: whoever lost the one must not lose the other.</summary>
    [Fact]
    public async Task Old_data_opens_with_new_passwords()
    {
        var person = Person.New();
        var conversation = Guid.NewGuid();
        await using (var app = await TestedAppHost.StartAsync(_folder.Path))
        {
            await ChatAsync(app, person, conversation);
        }

        await using var again = await TestedAppHost.StartAsync(
            _folder.Path,
            "--Parameters:postgres-password=new",
            "--Parameters:redis-password=new",
            "--Parameters:konstruct-gateway-password=new"
        );

        Assert.EndsWith("Password=new;Database=konstruct", await again.ConnectionStringAsync("konstruct-db"), StringComparison.Ordinal);
        Assert.Equal(2, await MessagesAsync(again, conversation));
        await ChatAsync(again, person, conversation);
        Assert.Equal(4, await MessagesAsync(again, conversation));
    }

    [Fact]
    public async Task Reset_leaves_an_empty_application_that_works()
    {
        await using var app = await TestedAppHost.StartAsync(_folder.Path);
        var conversation = Guid.NewGuid();
        await ChatAsync(app, Person.New(), conversation);
        await using (var redis = await ConnectionMultiplexer.ConnectAsync(await app.ConnectionStringAsync("redis")))
        {
            await redis.GetDatabase().StringSetAsync("kept", "yes");
        }

        foreach (var server in (string[])["redis", "postgres"])
        {
            Assert.NotNull(app.CommandOf(server, "reset-data").ConfirmationMessage);
            var reset = await app.ExecuteAsync(server, "reset-data");
            Assert.True(reset.Success, reset.Message);
            await app.WaitUntilHealthyAsync(server);
        }

        await app.WaitUntilHealthyAsync("schema");
        await using (var redis = await ConnectionMultiplexer.ConnectAsync(await app.ConnectionStringAsync("redis")))
        {
            Assert.False(await redis.GetDatabase().KeyExistsAsync("kept"));
        }

        Assert.Equal(0, await MessagesAsync(app, conversation));
        await Until.TrueAsync(async () => (await app.ExecuteAsync("gateway", "chat", ("text", "/burst 3"))).Success);
    }

    /// <summary>Two applications on the same data would be one too many: the second says so and ends, rather than to wait.</summary>
    [Fact]
    public async Task Data_in_use_is_said_in_a_sentence()
    {
        await using var app = await TestedAppHost.StartAsync(_folder.Path);
        await using var second = AppHostProcess.Start("--Hosting:Stores=local", $"--Hosting:Data={_folder.Path}");

        Assert.Equal(1, await second.ExitCodeAsync());
        Assert.Contains("is in use by another process", second.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", second.Output, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task ChatAsync(TestedAppHost app, Person person, Guid conversation)
    {
        await using var chat = await RawChat.OpenAsync(app, person, conversation);
        await chat.SayAsync("/burst 3");
        string? frame;
        while (
            FrameV2
                .Parse(
                    frame = await chat.ReceiveAsync() ?? throw new InvalidOperationException($"The gateway closed the socket with {chat.CloseCode}.")
                )
                .Type != "done"
        )
        {
            Assert.DoesNotContain("error", frame, StringComparison.Ordinal);
        }
    }

    private static async Task<long> MessagesAsync(TestedAppHost app, Guid conversation)
    {
        await using var database = NpgsqlDataSource.Create($"{await app.ConnectionStringAsync("konstruct-db")};Pooling=false");
        await using var count = database.CreateCommand("SELECT count(*) FROM web_conversation_messages WHERE conversation_id = $1");
        count.Parameters.AddWithValue(conversation);
        return (long)(await count.ExecuteScalarAsync())!;
    }
}
