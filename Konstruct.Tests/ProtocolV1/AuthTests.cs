using System.Net.WebSockets;
using System.Text;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.ProtocolV1;

/// <summary>The first frame: what lets a socket in, and the exact words and close code of each refusal.</summary>
public abstract class AuthTests(UsualPipeline fixture) : PipelineTests(fixture)
{
    private const string User = "6f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9";
    private const string Tenant = "11111111-2222-4333-8444-555555555555";

    [Theory]
    [InlineData("""{"type":"message","text":"hello","agentId":"x"}""")]
    [InlineData("""{"type":"authenticate","userId":"x","tenantId":"y"}""")]
    [InlineData("""{"type":7}""")]
    [InlineData("""{"type":null}""")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""["auth"]""")]
    [InlineData("\"auth\"")]
    [InlineData("42")]
    [InlineData("null")]
    [InlineData("not JSON")]
    [InlineData("""{"type":"auth",""")]
    [InlineData("""{"type":"auth"} {"type":"auth"}""")]
    [InlineData("")]
    [OriginalFlaw("first frame not JSON, an array, binary: closed without a frame")]
    public async Task A_first_frame_that_is_not_auth_is_told_so_and_closed_with_4001(string first)
    {
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}");
        await chat.SendAsync(first);

        await chat.ExpectAsync("""{"type":"error","message":"First message must be auth"}""");
        await chat.ExpectCloseAsync(4001);
    }

    [Fact]
    [OriginalFlaw("first frame not JSON, an array, binary: closed without a frame")]
    public async Task A_binary_first_frame_is_told_so_whatever_it_holds()
    {
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}");
        await chat.SendBytesAsync(Encoding.UTF8.GetBytes(Person.New().Auth), WebSocketMessageType.Binary);

        await chat.ExpectAsync("""{"type":"error","message":"First message must be auth"}""");
        await chat.ExpectCloseAsync(4001);
    }

    [Theory]
    [InlineData("""{"type":"auth"}""")]
    [InlineData($$"""{"type":"auth","userId":"{{User}}"}""")]
    [InlineData($$"""{"type":"auth","tenantId":"{{Tenant}}"}""")]
    [InlineData($$"""{"type":"auth","userId":"","role":"admin","tenantId":"{{Tenant}}"}""")]
    [InlineData($$"""{"type":"auth","userId":"{{User}}","role":"admin","tenantId":""}""")]
    [InlineData($$"""{"type":"auth","userId":null,"role":"admin","tenantId":"{{Tenant}}"}""")]
    [InlineData($$"""{"type":"auth","userId":"{{User}}","role":"admin","tenantId":null}""")]
    [InlineData("""{"type":"auth","userId":"no id","tenantId":""}""")]
    public async Task Auth_without_a_user_or_a_tenant_is_told_so_and_closed_with_4001(string first)
    {
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}");
        await chat.SendAsync(first);

        await chat.ExpectAsync("""{"type":"error","message":"Missing userId or tenantId in auth"}""");
        await chat.ExpectCloseAsync(4001);
    }

    [Theory]
    [InlineData($$"""{"type":"auth","userId":"alice","role":"admin","tenantId":"{{Tenant}}"}""")]
    [InlineData($$"""{"type":"auth","userId":"{{User}}","role":"admin","tenantId":"acme"}""")]
    [InlineData($$"""{"type":"auth","userId":"{{User}}0","role":"admin","tenantId":"{{Tenant}}"}""")]
    [InlineData($$"""{"type":"auth","userId":"{{User}}","role":"admin","tenantId":"gggggggg-2222-4333-8444-555555555555"}""")]
    [InlineData($$"""{"type":"auth","userId":5,"role":"admin","tenantId":"{{Tenant}}"}""")]
    [InlineData($$"""{"type":"auth","userId":"{{User}}","role":"admin","tenantId":["{{Tenant}}"]}""")]
    public async Task Auth_with_ids_that_are_no_UUIDs_is_told_so_and_closed_with_4001(string first)
    {
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}");
        await chat.SendAsync(first);

        await chat.ExpectAsync("""{"type":"error","message":"Invalid UUID format in auth"}""");
        await chat.ExpectCloseAsync(4001);
    }

    [Theory]
    [InlineData("""{"type":"auth","userId":"U","role":"customer_admin","tenantId":"T"}""")]
    [InlineData("""{"type":"auth","userId":"U","tenantId":"T"}""")]
    [InlineData("""{"type":"auth","userId":"U","role":null,"tenantId":"T"}""")]
    [InlineData("""{ "tenantId" : "T", "more" : [1, {"a": null}], "userId" : "U", "type" : "auth" }""")]
    public async Task Auth_needs_a_user_and_a_tenant_in_any_order_and_is_not_answered(string first)
    {
        var person = Person.New();
        var conversation = Guid.NewGuid();
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{conversation}");
        await chat.SendAsync(
            first.Replace("\"U\"", $"\"{person.User}\"", StringComparison.Ordinal).Replace("\"T\"", $"\"{person.Tenant}\"", StringComparison.Ordinal)
        );
        await chat.SayAsync("/burst 1");

        // The first frame that comes is the message's: nothing answers the auth frame.
        (await chat.ReceiveTurnAsync()).AssertWhole(conversation);
    }

    [Theory]
    [InlineData("D", true)]
    [InlineData("N", false)]
    [InlineData("B", false)]
    public async Task Ids_are_taken_as_Python_takes_them_whatever_their_case_and_hyphens(string format, bool upper)
    {
        var person = Person.New();
        var conversation = Guid.NewGuid();
        string Print(Guid id) => upper ? id.ToString(format).ToUpperInvariant() : id.ToString(format);
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{conversation}");
        await chat.SendAsync($$"""{"type":"auth","userId":"{{Print(person.User)}}","role":"x","tenantId":"{{Print(person.Tenant)}}"}""");
        await chat.SayAsync("/burst 1");

        (await chat.ReceiveTurnAsync()).AssertWhole(conversation);
        Assert.Equal(2, await Sql.MessageCountAsync(person.Tenant));
    }

    [Fact]
    public async Task A_second_auth_frame_is_ignored_and_changes_nobody()
    {
        var (person, other) = (Person.New(), Person.New());
        var conversation = Guid.NewGuid();
        await using var chat = await OpenAsync(person, conversation);
        await chat.SendAsync(other.Auth);
        await chat.SayAsync("/burst 1");

        (await chat.ReceiveTurnAsync()).AssertWhole(conversation);
        Assert.Equal(2, await Sql.MessageCountAsync(person.Tenant));
        Assert.Equal(0, await Sql.MessageCountAsync(other.Tenant));
    }

    [Fact]
    public async Task Frames_in_fragments_are_put_together()
    {
        var conversation = Guid.NewGuid();
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{conversation}");
        var auth = Encoding.UTF8.GetBytes(Person.New().Auth);
        await chat.SendBytesAsync(auth.AsMemory(0, 10), endOfMessage: false);
        await chat.SendBytesAsync(auth.AsMemory(10, 50), endOfMessage: false);
        await chat.SendBytesAsync(auth.AsMemory(60));
        await chat.SayAsync("/burst 1");

        (await chat.ReceiveTurnAsync()).AssertWhole(conversation);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    public async Task A_first_frame_over_64_KB_closes_with_1009(int fragments)
    {
        await using var chat = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}");
        var part = Encoding.UTF8.GetBytes(new string(' ', 65_537 / fragments + 1));
        for (var i = 1; i <= fragments; i++)
        {
            await chat.SendBytesAsync(part, endOfMessage: i == fragments);
        }

        await chat.ExpectCloseAsync(1009);
    }
}

[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class AuthOnGarnet(UsualPipeline<OnGarnet> fixture) : AuthTests(fixture);

[Collection<Sharing<UsualPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class AuthOnRedis(UsualPipeline<OnRedis> fixture) : AuthTests(fixture);
