namespace Konstruct.Gateway.Page;

/// <summary>What the developer's page is told: configuration section <c>Page</c>. The page itself is there in Development alone.</summary>
internal sealed class PageOptions
{
    public const string Section = "Page";

    /// <summary>Where a dashboard shows traces, such as <c>http://localhost:18888</c>. Default: none, and the page shows trace ids without a link.</summary>
    public Uri? DashboardUrl { get; set; }
}
