<?php
// Adminer for the databases that the service is connected with, and for no other server. AERIE_DATABASES comes from
// php-fpm.conf.

// The kind of database is chosen by parameters of these names; there is only one here.
foreach (['sqlite', 'sqlite2', 'pgsql', 'oracle', 'mssql', 'mongo', 'elastic', 'clickhouse', 'simpledb', 'firebird'] as $other) {
    if (isset($_GET[$other])) {
        http_response_code(404);
        exit('There are MySQL databases here only.');
    }
}
if (isset($_POST['auth'])) {
    if (!is_array($_POST['auth'])) {
        http_response_code(400);
        exit('That is not the form of this page.');
    }
    $_POST['auth']['driver'] = 'server';
}

function adminer_object()
{
    class Databases extends Adminer
    {
        /** User and database to begin with, by name of the service. */
        private $known = [];

        public function __construct()
        {
            foreach (array_filter(explode(',', (string) getenv('AERIE_DATABASES'))) as $line) {
                [$service, $user, $database] = explode(' ', $line);
                $this->known[$service] = [$user, $database];
            }
        }

        public function name()
        {
            return 'Databases';
        }

        public function head()
        {
            parent::head();
            echo "<meta name='viewport' content='width=device-width, initial-scale=1'>\n";
            // It would ask its makers for news, from the visitor's browser.
            echo script('verifyVersion = function () {};');
            return true;
        }

        public function csp()
        {
            return array_map(fn ($directives) => ['connect-src' => "'self'"] + $directives, csp());
        }

        public function credentials()
        {
            // A name that is not known leads nowhere; no name would lead to this machine.
            $server = isset($this->known[SERVER]) ? SERVER . ':3306' : 'unknown.invalid';
            return [$server, $_GET['username'], get_password()];
        }

        public function login($login, $password)
        {
            return isset($this->known[SERVER]) ? parent::login($login, $password) : 'This page is not connected with that database.';
        }

        public function loginForm()
        {
            if (!$this->known) {
                echo "<p class='message'>This page is connected with no database yet. On the page of this service, under ";
                echo "<em>Connections</em>, let it use one.</p>\n";
                return;
            }
            parent::loginForm();
            echo "<p>The passwords are on the page of the database, under <em>Address and passwords</em>.</p>\n";
        }

        public function loginFormField($name, $heading, $value)
        {
            [$user, $database] = $this->known[SERVER] ?? reset($this->known);
            $field = fn ($type, $value, $more) => $heading . "<input type='$type' id='$name' name='auth[$name]' value='" . h($value)
                . "' autocapitalize='off' $more>\n";
            switch ($name) {
                case 'driver':
                    return '';
                case 'server':
                    return $heading . html_select('auth[server]', array_keys($this->known), SERVER) . "\n";
                case 'username':
                    return $field('text', $_GET['username'] ?? $user, "autocomplete='username'");
                case 'db':
                    return $field('text', $_GET['db'] ?? $database, '');
                default:
                    return $field('password', '', "autocomplete='current-password'");
            }
        }
    }

    return new Databases();
}

include './index.php';
