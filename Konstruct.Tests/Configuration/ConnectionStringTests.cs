using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Configuration;

/// <summary>A connection string that cannot be one ends the start with a sentence and code 1, and no piece of it is repeated: any may be the password.</summary>
public sealed class ConnectionStringTests
{
    private const string Secret = "sesame";
    private const string GoodRedis = "127.0.0.1:1",
        GoodPostgres = "Host=127.0.0.1;Username=u;Password=p;Database=d";

    [Theory]
    [InlineData("Konstruct.Gateway", "", "redis", $"redis://user:{Secret}@cache.example:6379", "is a URL")]
    [InlineData("Konstruct.Gateway", "", "redis", $"rediss://cache.example:6379?password={Secret}", "is a URL")]
    [InlineData("Konstruct.Gateway", "", "redis", $"127.0.0.1:1,password=open,{Secret}", "a comma")]
    [InlineData("Konstruct.Gateway", "", "redis", $"127.0.0.1:1,password=open,{Secret}=1", "cannot be read")]
    [InlineData("Konstruct.Gateway", "", "redis", $"password={Secret}", "names no host")]
    [InlineData("Konstruct.Gateway", "", "konstruct", $"postgres://user:{Secret}@db.example/konstruct", "is a URL")]
    [InlineData("Konstruct.Gateway", "", "konstruct", $"postgresql://user:{Secret}@db.example/konstruct?sslmode=require", "is a URL")]
    [InlineData("Konstruct.Gateway", "", "konstruct", $"Host=h;Username=u;Password=open;{Secret}", "cannot be read")]
    [InlineData("Konstruct.Gateway", "", "konstruct", $"Host=h;Username=u;Password=open;{Secret}=1", "cannot be read")]
    [InlineData("Konstruct.Gateway", "", "konstruct", $"Host=h;Username=u;Password='{Secret}", "cannot be read")]
    [InlineData("Konstruct.Gateway", "", "konstruct", $"Username=u;Password={Secret}", "names no host")]
    [InlineData("Konstruct.Gateway", "schema", "konstruct-db", $"postgres://user:{Secret}@db.example/konstruct", "is a URL")]
    [InlineData("Konstruct.Gateway", "schema", "konstruct", $"Host=h;Username=u;Password=open;{Secret}", "cannot be read")]
    [InlineData("Konstruct.Gateway", "schema", "konstruct-db", "", "There is no connection string 'konstruct-db'")]
    [InlineData("Konstruct.OrchestratorStub", "", "redis", $"redis://:{Secret}@cache.example", "is a URL")]
    [InlineData("Konstruct.OrchestratorStub", "", "redis", $"127.0.0.1:1,password=open,{Secret}", "a comma")]
    public async Task It_is_a_sentence_without_the_password(string project, string argument, string name, string value, string sentence)
    {
        var environment = new Dictionary<string, string>
        {
            ["ConnectionStrings__redis"] = GoodRedis,
            ["ConnectionStrings__konstruct"] = GoodPostgres,
            ["ConnectionStrings__konstruct-db"] = GoodPostgres,
            [$"ConnectionStrings__{name}"] = value,
        };
        await using var service = await ServiceProcess.StartAsync(project, argument.Length > 0 ? [argument] : [], environment);
        await Until.TrueAsync(() => Task.FromResult(service.ExitCode is not null));

        Assert.Equal(1, service.ExitCode);
        Assert.Contains(sentence, service.Log, StringComparison.Ordinal);
        Assert.Contains($"'{name}'", service.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, service.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", service.Log, StringComparison.Ordinal);
    }
}
