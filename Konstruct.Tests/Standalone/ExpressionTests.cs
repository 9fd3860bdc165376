using Konstruct.AppHost.Standalone.Manifests;
using Xunit;

namespace Konstruct.Tests.Standalone;

public sealed class ExpressionTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("plain", "plain")]
    [InlineData("{a.value}", "<a.value>")]
    [InlineData("{a.bindings.tcp.host}:{a.bindings.tcp.port},password={p.value}{c.connectionString}", "<a.bindings.tcp.host>:<a.bindings.tcp.port>,password=<p.value><c.connectionString>")]
    [InlineData("{{tenant_id}}:webchat", "{tenant_id}:webchat")]
    [InlineData("{{{a.value}}}", "{<a.value>}")]
    public void References_are_replaced_and_two_braces_are_one(string text, string result) =>
        Assert.Equal(result, Expression.Replace(text, reference => $"<{reference}>"));

    [Theory]
    [InlineData("x{a.value", "the brace at position 2 of \"x{a.value\" is not closed")]
    [InlineData("x}", "the brace at position 2 of \"x}\" closes nothing")]
    public void A_lonely_brace_is_an_error(string text, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<FormatException>(() => Expression.Replace(text, _ => "")).Message);

    /// <summary>A value that happens to hold braces is a value, not another expression.</summary>
    [Fact]
    public void Values_are_not_looked_into() => Assert.Equal("{b.value}", Expression.Replace("{a.value}", _ => "{b.value}"));

    [Fact]
    public void References_are_listed() => Assert.Equal(["a.value", "b.bindings.http.url"], Expression.References("{a.value}{{not}}{b.bindings.http.url}"));
}
