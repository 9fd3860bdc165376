using Konstruct.AppHost.Standalone;
using Konstruct.AppHost.Standalone.Manifests;
using Konstruct.AppHost.Standalone.Parameters;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Standalone;

public sealed class ParameterTests : IDisposable
{
    private static readonly ManifestInput Generated = new() { Secret = true, Default = new() { Generate = new() { MinLength = 22, Special = false } } };
    private static readonly ManifestInput Fixed = new() { Default = new() { Value = "the manifest's" } };

    private readonly TemporaryFolder _folder = new();

    private string FileName => Path.Combine(_folder.Path, "parameters.json");

    [Fact]
    public void A_generated_value_is_the_same_in_the_next_run()
    {
        var first = Values().ValueOf("redis-password", Generated);
        Assert.Equal(first, Values().ValueOf("redis-password", Generated));
        Assert.NotEqual(first, Values().ValueOf("postgres-password", Generated));
        Assert.Matches("^[a-zA-Z0-9]{22}$", first);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FileName));
    }

    [Fact]
    public void The_command_line_wins_over_the_environment_and_that_over_the_rest()
    {
        var kept = Values().ValueOf("api-key", Generated);
        var environment = new Dictionary<string, string> { ["Parameters__api-key"] = "the environment's" };
        Assert.Equal("the environment's", Values(environment: environment).ValueOf("api-key", Generated));
        Assert.Equal("the command line's", Values(new() { ["api-key"] = "the command line's" }, environment).ValueOf("api-key", Generated));
        Assert.Equal(kept, Values().ValueOf("api-key", Generated));
    }

    /// <summary>No shell exports a variable with a hyphen in its name.</summary>
    [Fact]
    public void The_environment_may_write_an_underscore_for_a_hyphen() =>
        Assert.Equal("given", Values(environment: new() { ["Parameters__api_key"] = "given" }).ValueOf("api-key", Fixed));

    [Fact]
    public void The_manifests_own_value_is_taken_as_it_is()
    {
        Assert.Equal("the manifest's", Values().ValueOf("greeting", Fixed));
        Assert.False(File.Exists(FileName));
    }

    [Fact]
    public void A_value_that_nobody_gave_is_asked_for() => Assert.Equal(
        "The parameter 'api-key' has no value: set the environment variable Parameters__api_key.",
        Assert.Throws<CannotRunException>(() => Values().ValueOf("api-key", new())).Message);

    [Fact]
    public void A_damaged_file_is_said()
    {
        File.WriteAllText(FileName, "{");
        Assert.Contains("is no JSON any more", Assert.Throws<CannotRunException>(() => Values()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Generated_values_keep_to_their_rule()
    {
        var rule = new ManifestGenerate { MinLength = 12, Lower = false, Upper = true, Numeric = true, Special = true, MinNumeric = 4, MinSpecial = 3 };
        for (var i = 0; i < 200; i++)
        {
            var value = GeneratedValue.Make(rule);
            Assert.Equal(12, value.Length);
            Assert.True(value.Count(char.IsAsciiDigit) >= 4);
            Assert.True(value.Count(c => !char.IsAsciiLetterOrDigit(c)) >= 3);
            Assert.DoesNotContain(value, char.IsAsciiLetterLower);
        }
        Assert.Equal(6, GeneratedValue.Make(new() { MinLength = 2, MinLower = 3, MinUpper = 3 }).Length);
        Assert.Equal(22, GeneratedValue.Make(new()).Length);
    }

    private ParameterValues Values(Dictionary<string, string>? given = null, Dictionary<string, string>? environment = null) =>
        new(FileName, given ?? [], name => environment?.GetValueOrDefault(name));

    public void Dispose() => _folder.Dispose();
}
