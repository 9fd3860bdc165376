using Konstruct.Tests.Conversations;
using Konstruct.Tests.Harness;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Faults;

/// <summary>The serving role's password is rotated. Gateways ended within seconds, and sockets that joined were cut off without a word (1006).</summary>
[Collection<Sharing<OwnStores>>]
[Trait("Tier", "Long")]
public sealed class PasswordTests(OwnStores stores) : OwnStoresTests(stores)
{
    private const string Rotated = "another password";

    [Fact]
    public async Task A_gateway_waits_until_its_connection_string_is_right_again()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "ConnectionStrings__konstruct");
        var given = Pipeline.Database.ServingConnectionString;
        await File.WriteAllTextAsync(file, given, TestContext.Current.CancellationToken);
        var mounted = await Pipeline.StartGatewayAsync(
            new Dictionary<string, string>
            {
                ["SecretsFolder"] = folder.Path,
                ["ConnectionStrings__konstruct"] = "Host=127.0.0.1;Port=1;Username=nobody;Password=wrong", // The file counts more.
            }
        );
        await Pipeline.Database.Server.ChangeServingPasswordAsync(Rotated);
        try
        {
            foreach (var gateway in (ServiceProcess[])[mounted, Pipeline.Gateway])
            {
                await FailedAsync(gateway, "is tried again", "28P01");
                await AssertSocketsAreToldAsync(gateway);
                Assert.False(gateway.HasEnded, gateway.Log);
            }

            await File.WriteAllTextAsync(
                file,
                new NpgsqlConnectionStringBuilder(given) { Password = Rotated }.ConnectionString,
                TestContext.Current.CancellationToken
            );
            await Until.TrueAsync(async () => (await new ApiClient(mounted, Person).GetAsync("")).Status == 200);
            await using var chat = await RawChat.OpenAsync(mounted, Person, Conversation);
            await chat.SayAsync("/burst 2");
            (await chat.ReceiveTurnAsync()).AssertWhole(Conversation);
        }
        finally
        {
            await Pipeline.Database.Server.ChangeServingPasswordAsync(PostgresServer.Password);
        }

        // The other was told by a variable, which a process has for life: it was merely alive, and goes on.
        await AssertServesAsync();
        await mounted.TerminateAsync();
    }

    /// <summary>v2 is asked to come back, v1 to try again, the API says 503.</summary>
    private async Task AssertSocketsAreToldAsync(ServiceProcess gateway)
    {
        await using var joining = await RawChat.ConnectAsync(gateway, $"{Guid.NewGuid()}", RawChatV2.Subprotocol);
        await joining.SendAsync(Person.Auth);
        Assert.Equal("unavailable", (await joining.NextAsync("error")).Code);
        await joining.ExpectCloseAsync(1012);

        await using var asking = await RawChat.OpenAsync(gateway, Person, Guid.NewGuid());
        await asking.SayAsync("/burst 1");
        await asking.ExpectAsync(Frames.Typing);
        await asking.ExpectErrorAsync();

        (await new ApiClient(gateway, Person).GetAsync("")).ExpectProblem(503);
    }
}
