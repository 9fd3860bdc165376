namespace Konstruct.Tests.Harness;

/// <summary>A portal user of a tenant, both new to the application: tests that share a pipeline see nothing of each other.</summary>
internal sealed record Person(Guid Tenant, Guid User)
{
    public static readonly Guid Agent = Guid.Parse("0b3c9f0e-9d3f-4b53-8f0d-5d2f3c1d7a11");

    /// <summary>The auth frame of the original portal.</summary>
    public string Auth => $$"""{"type":"auth","userId":"{{User}}","role":"customer_admin","tenantId":"{{Tenant}}"}""";

    public static Person New() => new(Guid.NewGuid(), Guid.NewGuid());

    /// <summary>The default response channel of a conversation of the tenant.</summary>
    public string ResponseChannel(Guid conversation) => $"{Tenant}:webchat:response:{conversation}";
}
